"""What /docs says beyond what FastAPI derives by itself."""
