"""What can be learned from a sweep: frames in, frames out."""
