"""Words of tables that compare two examinations of a patient; plans of a study read them, too."""

# Of a second scan with the same settings and random numbers: its differences have to be 0.
NOTHING = "nothing"
