"""What can go wrong here. Every message is a whole sentence that may be shown or logged as it is."""


class ModelError(Exception):
    """The picture cannot be made: a damaged model, a request it cannot honour, or a failure while denoising."""


class NoRoom(ModelError):
    """The model does not fit into the memory that is left for it."""


class DeviceError(ModelError):
    """The device failed, not the model and not the request: nothing that follows on it can be trusted."""


class Cancelled(ModelError):
    """The caller cancelled the ticket; whatever had been drawn is gone."""


_LONGEST = 400
"""Letters of what a library says: some say pages."""
_DEVICE_WORDS = ("CUDA", "cuDNN", "CUBLAS", "NCCL", "HIP error", "MPS backend")


def failure(words: str, error: Exception) -> ModelError:
    """What broke off a request, as one of these errors: a DeviceError when the device itself failed.

    Too little memory is the model's affair: a smaller one has room.
    """
    if isinstance(error, ModelError):
        return error
    of_device = type(error).__name__ == "AcceleratorError" or any(word in str(error) for word in _DEVICE_WORDS)
    kind = DeviceError if of_device and "out of memory" not in str(error) else ModelError
    said = " ".join(str(error).split())[:_LONGEST] or type(error).__name__
    return kind(f"{words}: {said}")
