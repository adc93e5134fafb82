"""What the runner shows a user as one message, without a traceback."""


class UserError(Exception):
    """Something outside the code is wrong and can be mended; the message names the place and the remedy."""
