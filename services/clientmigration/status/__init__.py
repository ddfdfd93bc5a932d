"""The status daemon: homepage, widget, badge, JSON, event stream. It decides nothing."""
