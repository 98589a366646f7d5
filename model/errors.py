"""What can go wrong here. Every message is a whole sentence that may be shown or logged as it is."""


class ModelError(Exception):
    """The picture cannot be made: a damaged model, a request it cannot honour, or a failure while denoising."""


class Cancelled(ModelError):
    """The caller cancelled the ticket; whatever had been drawn is gone."""
