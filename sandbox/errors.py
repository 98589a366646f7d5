"""Discord's refusals: the status, the code and the body that its clients read."""

from typing import Any

UNKNOWN = {
    "application": (10002, "Unknown Application"),
    "channel": (10003, "Unknown Channel"),
    "guild": (10004, "Unknown Guild"),
    "member": (10007, "Unknown Member"),
    "message": (10008, "Unknown Message"),
    "user": (10013, "Unknown User"),
    "emoji": (10014, "Unknown Emoji"),
    "webhook": (10015, "Unknown Webhook"),
    "interaction": (10062, "Unknown interaction"),
    "command": (10063, "Unknown application command"),
}


class ApiError(Exception):
    """An answer that is not a success; ``errors`` is the tree of a form that did not validate (code 50035)."""

    def __init__(self, status: int, code: int, message: str, errors: dict[str, Any] | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.body: dict[str, Any] = {"message": message, "code": code}
        if errors is not None:
            self.body["errors"] = errors


def unknown(what: str) -> ApiError:
    """404 for a thing that does not exist, or must not be seen to exist."""
    return ApiError(404, *UNKNOWN[what])


def unauthorized() -> ApiError:
    """The wrong token, or the right token on a route of the other kind of account."""
    return ApiError(401, 0, "401: Unauthorized")


def missing_access() -> ApiError:
    """The channel may not be seen."""
    return ApiError(403, 50001, "Missing Access")


def missing_permissions() -> ApiError:
    """The channel may be seen, but this may not be done in it."""
    return ApiError(403, 50013, "Missing Permissions")


def not_the_author() -> ApiError:
    """Only its author may edit a message."""
    return ApiError(403, 50005, "Cannot edit a message authored by another user")


def empty_message() -> ApiError:
    """Nothing that could be shown."""
    return ApiError(400, 50006, "Cannot send an empty message")


def too_large() -> ApiError:
    """A file, the number of files or the whole request is over its limit."""
    return ApiError(413, 40005, "Request entity too large")


class Form:
    """Collects what is wrong with a request's body; paths are dotted, as in ``components.0.components.1.label``.

    ``prefix`` (with its dot) goes before every path, where the body is a part of another one.
    """

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix
        self._errors: dict[str, Any] = {}

    def refuse(self, path: str, code: str, message: str) -> None:
        """Add one complaint about the field at ``path``."""
        node = self._errors
        for key in f"{self._prefix}{path}".split("."):
            node = node.setdefault(key, {})
        node.setdefault("_errors", []).append({"code": code, "message": message})

    def length(self, path: str, value: Any, low: int, high: int) -> bool:
        """Whether ``value`` is a string of ``low`` to ``high`` characters; complains where it is not."""
        if not isinstance(value, str):
            self.refuse(path, "STRING_TYPE_CONVERT", f"Could not interpret {value!r} as string.")
            return False
        if not low <= len(value) <= high:
            if low == 0:
                self.refuse(path, "BASE_TYPE_MAX_LENGTH", f"Must be {high} or fewer in length.")
            else:
                self.refuse(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
            return False
        return True

    def count(self, path: str, value: Any, low: int, high: int) -> bool:
        """Whether ``value`` is a list of ``low`` to ``high`` items; complains where it is not."""
        if not isinstance(value, list):
            self.refuse(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            return False
        if not low <= len(value) <= high:
            self.refuse(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {low} and {high} in length.")
            return False
        return True

    def required(self, path: str) -> None:
        """The field is missing."""
        self.refuse(path, "BASE_TYPE_REQUIRED", "This field is required")

    def choice(self, path: str, value: Any, allowed: tuple[Any, ...]) -> None:
        """The field holds none of the values that it may hold."""
        self.refuse(path, "BASE_TYPE_CHOICES", f"Value must be one of {allowed}, not {value!r}.")

    def check(self) -> None:
        """Raise 400 50035 if anything was refused."""
        if self._errors:
            raise ApiError(400, 50035, "Invalid Form Body", self._errors)


def invalid(path: str, code: str, message: str) -> ApiError:
    """400 50035 with one complaint."""
    form = Form()
    form.refuse(path, code, message)
    try:
        form.check()
    except ApiError as error:
        return error
    raise AssertionError("a form with a complaint does not pass")
