"""What labelling has to know of a model: settings that its record, or its row, has to say.

No training depends on this module, so a setting that only labelling reads trains nothing anew.
"""

# In the order of the params of a rule.
LABELLING = (
    *("network", "encoder", "width", "tissues", "sequence"),
    *("preparation", "intensity", "size_px"),
)
# What it may know, and what holds where nothing is said of it.
OPTIONAL = {"islands": ""}
