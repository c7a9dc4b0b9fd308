"""Masks of objects in files: pictures, folders of pictures, and the JSON of COCO."""
