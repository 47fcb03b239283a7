"""What the system tests stand on: processes, a client that checks every reply, a scripted upstream."""
