"""What several tests use: fakes, pictures, forms, servers, browsers."""
