"""Words for networks in the card of a model, by the name of a network."""

NETWORKS = {
    "fcn": "fully convolutional network of Bai et al. 2018, doi:10.1186/s12968-018-0471-x",
    "unet": "U-Net with a light decoder, Ronneberger et al. 2015",
    "unet_compat": "U-Net with the decoder of fastai 1, as in Ankenbrand et al. 2021",
    "unet3plus": "UNet 3+ of Hanisah et al. 2026, doi:10.1016/j.jocmr.2026.102706",
    "unet3plus_decoder": "UNet 3+ of Hanisah et al. 2026, with deep skips from the decoder",
    "unet3plus_single": "UNet 3+ of Hanisah et al. 2026, without deep supervision",
    "unet_bai": "U-Net of single frames, Bai et al. 2018, doi:10.1007/978-3-030-00937-3_67",
    "unet_lstm": "U-Net with a recurrent part in both directions of time, Bai et al. 2018, "
    "doi:10.1007/978-3-030-00937-3_67",
    "runet": "residual U-Net of Altunok and Oksuz 2020, MyoPS challenge, LNCS 12554, pp. 128-137",
    "unet_myops": "plain U-Net with dropout, the baseline of Altunok and Oksuz 2020",
    "tag_box": "localisation network of Ferdian et al. 2020, doi:10.1148/ryct.2020190032, with "
    "moving statistics in its batch norms, and places as shares of the image",
    "tag_box_compat": "localisation network of Ferdian et al. 2020, doi:10.1148/ryct.2020190032",
    "tag_ring": "landmark network of Ferdian et al. 2020, doi:10.1148/ryct.2020190032, with places "
    "as shares of the window",
    "tag_ring_compat": "landmark network of Ferdian et al. 2020, doi:10.1148/ryct.2020190032",
    "tag_motion": "network of ours that finds the wall in a tagged cine, and follows it from frame "
    "to frame",
}
