"""Parts of a band, one module each: patterns in, notes on a grid of sixteenths out."""
