"""What a person sees: Gtk is imported here only, because there is none without a screen."""
