// Draws one quad of a picture. The Rust side is src/display/quad.rs (Quad::bytes) and src/display/pipeline.rs.
// Texels are encoded sRGB, premultiplied by alpha, and are handed on as they are: no decoding, no encoding, unless the
// target itself encodes (fs_linear_target).

// Mirrored by `Quad` in src/display/quad.rs.
struct Quad {
    dest: vec4<f32>,     // pixels: left, top, right, bottom
    texels: vec4<f32>,   // texels: left, top, right, bottom
    light: vec4<f32>,
    dark: vec4<f32>,
    target_px: vec2<f32>,
    opacity: f32,
    checker_px: f32,
    mode: u32,           // `Sampling` in src/display/quad.rs
}

const NEAREST = 0u;
const SMOOTH = 1u;
const AVERAGE = 2u;
const CHECKERS = 3u;

// The most samples per axis of one averaged pixel; each is bilinear, so this is exact down to a sixteenth.
const MAX_TAPS = 8.0;

@group(0) @binding(0) var<uniform> quad: Quad;
@group(1) @binding(0) var picture: texture_2d<f32>;
@group(1) @binding(1) var between: sampler;

@vertex
fn vs_main(@builtin(vertex_index) index: u32) -> @builtin(position) vec4<f32> {
    let corner = vec2<f32>(f32(index & 1u), f32(index >> 1u));
    let pixel = mix(quad.dest.xy, quad.dest.zw, corner);
    let ndc = pixel / quad.target_px * 2.0 - 1.0;
    return vec4<f32>(ndc.x, -ndc.y, 0.0, 1.0);
}

fn average(texel: vec2<f32>, footprint: vec2<f32>, size: vec2<f32>) -> vec4<f32> {
    let taps = clamp(ceil(footprint), vec2<f32>(1.0), vec2<f32>(MAX_TAPS));
    var sum = vec4<f32>(0.0);
    for (var y = 0.5; y < taps.y; y += 1.0) {
        for (var x = 0.5; x < taps.x; x += 1.0) {
            let place = texel + (vec2<f32>(x, y) / taps - 0.5) * footprint;
            sum += textureSampleLevel(picture, between, place / size, 0.0);
        }
    }
    return sum / (taps.x * taps.y);
}

fn checkers(pixel: vec2<f32>) -> vec4<f32> {
    let square = vec2<i32>(floor(pixel / quad.checker_px));
    return select(quad.dark, quad.light, ((square.x + square.y) & 1) == 0);
}

// The colour at a pixel's centre, encoded and premultiplied.
fn colour(pixel: vec2<f32>) -> vec4<f32> {
    let footprint = (quad.texels.zw - quad.texels.xy) / (quad.dest.zw - quad.dest.xy);
    let texel = quad.texels.xy + (pixel - quad.dest.xy) * footprint;
    let size = vec2<f32>(textureDimensions(picture));
    var result = vec4<f32>(1.0, 0.0, 1.0, 1.0); // magenta: a mode nobody knows
    switch quad.mode {
        case NEAREST: {
            let place = clamp(texel, vec2<f32>(0.0), size - 1.0);
            result = textureLoad(picture, vec2<i32>(floor(place)), 0);
        }
        case SMOOTH: {
            result = textureSampleLevel(picture, between, texel / size, 0.0);
        }
        case AVERAGE: {
            result = average(texel, footprint, size);
        }
        case CHECKERS: {
            result = checkers(texel);
        }
        default: {}
    }
    return result * quad.opacity;
}

@fragment
fn fs_main(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    return colour(position.xy);
}

// For targets that encode by themselves: the bytes that arrive are the same for opaque pictures.
@fragment
fn fs_linear_target(@builtin(position) position: vec4<f32>) -> @location(0) vec4<f32> {
    let encoded = colour(position.xy);
    let low = encoded.rgb / 12.92;
    let high = pow((encoded.rgb + 0.055) / 1.055, vec3<f32>(2.4));
    return vec4<f32>(select(high, low, encoded.rgb <= vec3<f32>(0.04045)), encoded.a);
}
