"""Labelled images: the field's published data sets, one layout a file, and the one form that all are brought into.

layouts ─► prepare ─► Prepared: thumbnails, masks, true illuminants, scenes, folds, cameras
"""
