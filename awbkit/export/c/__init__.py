"""A quantised model as C: one header and one source, for processors with kilobytes."""
