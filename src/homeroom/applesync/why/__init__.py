"""Why a device stands as it does: questions about one device, each answered with the one cause that applies."""
