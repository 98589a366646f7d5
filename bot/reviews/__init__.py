"""Appeals against refusals, reports of pictures, and the review channel where moderators decide about both."""
