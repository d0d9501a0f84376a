"""What a damaged database needs: found, salvaged and mended."""
