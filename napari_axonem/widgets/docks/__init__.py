"""The docks: for each a view that knows no project, and a control that knows both."""
