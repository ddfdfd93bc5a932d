"""The status daemon shows a fleet to everybody: homepage, widget, badge, JSON and event stream."""
