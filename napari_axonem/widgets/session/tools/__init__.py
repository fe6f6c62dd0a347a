"""What clicks and drags do with each tool, one class a tool."""
