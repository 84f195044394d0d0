"""Images of the rovers' public raw-image feeds, with their records, brought into scene folders."""
