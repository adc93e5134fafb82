"""Errors that the runner shows a user as one message, without a traceback."""


class UserError(Exception):
    """Something outside the code is wrong and can be corrected; the message names the place and the remedy."""


class GraphError(UserError, ValueError):
    """dvc.yaml, params.yaml, the code and a stage's signature do not fit each other; the message says what to change."""


class ParamsError(UserError, ValueError):
    """params.yaml holds something it should not; one line per fault: path, value, what is allowed."""
