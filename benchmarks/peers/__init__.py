"""What others do of the same work, each used as its documentation recommends; none of them is needed by sweep."""
