"""Whether steering works: cells of clips, judged by ear and against their controls, in one report."""
