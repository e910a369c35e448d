//! Pictures on the graphics card: wgpu textures, our WGSL, view maths. Knows wgpu only.
