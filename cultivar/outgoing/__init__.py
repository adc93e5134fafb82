"""Text that goes out, to a file, a log, a terminal or a page: what must not leave is taken out, what would act is shown."""
