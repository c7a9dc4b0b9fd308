"""Folders in published layouts, written by tests."""
