"""What people do with a finished picture: its buttons, remixing, reactions and menus, having it again."""
