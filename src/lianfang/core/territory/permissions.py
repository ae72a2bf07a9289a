"""What may be done to the territory."""

IMPORT_DIVISIONS = "territory.import_divisions"
OVERLAY_DIVISIONS = "territory.overlay_divisions"
LAY_OUT_GRIDS = "territory.lay_out_grids"
REGISTER_PLACES = "territory.register_places"
SET_CHAIN = "territory.set_chain"
