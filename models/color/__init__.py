"""Colour: Lab and its gamut, full-size planes, upsampling, the working grid."""
