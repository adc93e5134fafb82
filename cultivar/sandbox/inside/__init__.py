"""What runs on the untrusted side: the zygote, its jail and the drivers. Imports nothing from outside this folder."""
