"""Labelled images: the field's published data sets, one layout a file, and the common prepared form.

layouts ─► prepare ─► Prepared: thumbnails, masks, true illuminants, scenes, folds, cameras
"""
