"""Import names of other systems, for setup scripts that were written for them."""
