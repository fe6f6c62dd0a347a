"""Small parts that any dock uses: buttons, colours, messages, threads and child processes."""
