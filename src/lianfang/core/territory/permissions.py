"""What may be done to the territory."""

IMPORT_DIVISIONS = "territory.import_divisions"
OVERLAY_DIVISIONS = "territory.overlay_divisions"
LAY_OUT_GRIDS = "territory.lay_out_grids"
REGISTER_PLACES = "territory.register_places"
SET_CHAIN = "territory.set_chain"

PERMISSIONS = {
    IMPORT_DIVISIONS: ("导入行政区划", "import divisions"),
    OVERLAY_DIVISIONS: ("变更行政区划", "overlay divisions"),
    LAY_OUT_GRIDS: ("划分网格", "lay out grids"),
    REGISTER_PLACES: ("登记场所楼栋", "register places and buildings"),
    SET_CHAIN: ("设定责任链", "set the chain of responsibility"),
}
