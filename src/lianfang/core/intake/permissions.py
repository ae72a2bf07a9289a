"""What may be done with what comes in from the field."""

DECIDE_PARCELS = "intake.decide_parcels"
ATTACH_PHOTO = "intake.attach_photo"
VIEW_PHOTOS = "intake.view_photos"

PERMISSIONS = {
    DECIDE_PARCELS: ("裁定现场封包", "decide what the rules do not apply by themselves"),
    ATTACH_PHOTO: ("附现场照片", "attach a photo of a place, never of a face"),
    VIEW_PHOTOS: ("查看现场照片", "view photos from the field; each view is logged"),
}
