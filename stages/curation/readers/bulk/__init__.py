"""Records that are read thousands at a time: those of which that provably gives what reading them one by one does."""
