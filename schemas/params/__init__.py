"""Every knob of params.yaml as pydantic sections, one per stage, beside `roles` and `runtime`."""
