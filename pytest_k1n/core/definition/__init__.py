"""What a workflow definition says, and what it needs beside itself; nothing here has run."""
