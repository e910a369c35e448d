//! Writes graphs, checking every shape as it goes.
//!
//! Layers are named like the modules of the checkpoint: `builder.module("resnets.0", |b| ...)` opens a scope, and inside
//! it `b.conv2d("conv1", ...)` reads `<component>.<scopes>.conv1.weight` and gives its node the path `<scopes>.conv1`.

use std::collections::{BTreeMap, HashMap};

use super::{
    Activation, Bias, Conv, Graph, GraphError, Mask, Node, NodeId, Op, Padding, Shape, Stage, Weight, WeightId,
};

/// A value may have this many elements (8 GiB as f32); more is a mistake in a configuration.
const MAX_ELEMENTS: usize = 1 << 31;

/// Red, green and blue.
const COLOURS: usize = 3;

/// Writes one graph.
pub struct GraphBuilder {
    graph: Graph,
    component: String,
    scope: String,
    weight_ids: HashMap<String, WeightId>,
}

impl GraphBuilder {
    /// An empty graph called `name`, whose weights' keys begin with `component` and a dot.
    pub fn new(name: impl Into<String>, component: impl Into<String>) -> Self {
        let graph = Graph {
            name: name.into(),
            nodes: Vec::new(),
            weights: Vec::new(),
            outputs: Vec::new(),
            paths: BTreeMap::new(),
        };
        Self { graph, component: component.into(), scope: String::new(), weight_ids: HashMap::new() }
    }

    /// The graph as written.
    pub fn finish(self) -> Graph {
        self.graph
    }

    /// The shape of a value.
    pub fn shape(&self, id: NodeId) -> Shape {
        self.graph.node(id).shape
    }

    /// A value given at each run.
    ///
    /// # Errors
    /// [`GraphError::Input`] when the name is taken, or a shape that is empty or too large.
    pub fn input(&mut self, name: &str, shape: Shape, stage: Stage) -> Result<NodeId, GraphError> {
        if self.graph.inputs().any(|(taken, _)| taken == name) {
            return Err(GraphError::Input { graph: self.graph.name.clone(), name: name.into() });
        }
        self.push(Op::Input { name: name.into() }, &[], shape, Some(stage), "")
    }

    /// Makes `value` a result of the graph.
    pub fn output(&mut self, name: &str, value: NodeId) {
        self.graph.outputs.push((name.into(), value));
    }

    /// Writes a module: everything in `write` is below its path, and the value it returns is the module's.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn module(
        &mut self,
        path: &str,
        write: impl FnOnce(&mut Self) -> Result<NodeId, GraphError>,
    ) -> Result<NodeId, GraphError> {
        let outer = self.scope.clone();
        self.scope = self.path(path);
        let result = write(self);
        if let Ok(value) = result {
            self.mark("", value);
        }
        self.scope = outer;
        result
    }

    /// Says that `value` is also what the module `path` (below the current one) gives.
    pub fn mark(&mut self, path: &str, value: NodeId) {
        let path = self.path(path);
        self.graph.paths.insert(path, value);
    }

    /// A convolution layer.
    ///
    /// # Errors
    /// [`GraphError::Shape`] unless `x` is a feature map not smaller than the kernel.
    pub fn conv2d(&mut self, path: &str, x: NodeId, conv: Conv) -> Result<NodeId, GraphError> {
        let shape = self.shape(x);
        let Some([n, h, w, c]) = shape.as_map() else {
            return Err(self.misfit(path, "conv2d", &[x], "it needs a feature map [n, h, w, c]"));
        };
        if conv.kernel == 0 || conv.stride == 0 || conv.out == 0 {
            return Err(self.misfit(path, "conv2d", &[x], "kernel, stride and channels must be positive"));
        }
        let Padding { top, left, bottom, right } = conv.padding;
        let out =
            |length: usize, zeros: usize| (length + zeros).checked_sub(conv.kernel).map(|room| room / conv.stride + 1);
        let (Some(height), Some(width)) = (out(h, top + bottom), out(w, left + right)) else {
            let why = format!("the kernel of {0}x{0} is larger", conv.kernel);
            return Err(self.misfit(path, "conv2d", &[x], &why));
        };
        let weight = self.weight(path, "weight", &[conv.out, c, conv.kernel, conv.kernel])?;
        let bias = self.bias(path, conv.bias, conv.out)?;
        let op = Op::Conv2d { weight, bias, stride: conv.stride, padding: conv.padding };
        self.layer(op, &[x], Shape::map(n, height, width, conv.out), path)
    }

    /// A matrix product over the channels.
    ///
    /// # Errors
    /// [`GraphError`] when a size is zero or absurd.
    pub fn linear(&mut self, path: &str, x: NodeId, out: usize, bias: Bias) -> Result<NodeId, GraphError> {
        let shape = self.shape(x);
        let weight = self.weight(path, "weight", &[out, shape.channels()])?;
        let bias = self.bias(path, bias, out)?;
        self.layer(Op::Linear { weight, bias }, &[x], shape.with_channels(out), path)
    }

    /// Normalisation over groups of channels.
    ///
    /// # Errors
    /// [`GraphError::Shape`] unless the channels divide into `groups`.
    pub fn group_norm(&mut self, path: &str, x: NodeId, groups: usize, eps: f32) -> Result<NodeId, GraphError> {
        let shape = self.shape(x);
        if groups == 0 || !shape.channels().is_multiple_of(groups) {
            let why = format!("the channels do not divide into {groups} groups");
            return Err(self.misfit(path, "group_norm", &[x], &why));
        }
        let (weight, bias) = self.scale_and_shift(path, shape.channels())?;
        self.layer(Op::GroupNorm { weight, bias, groups, eps }, &[x], shape, path)
    }

    /// Normalisation over the channels of each position.
    ///
    /// # Errors
    /// [`GraphError`] when a weight is needed in another shape elsewhere.
    pub fn layer_norm(&mut self, path: &str, x: NodeId, eps: f32) -> Result<NodeId, GraphError> {
        let shape = self.shape(x);
        let (weight, bias) = self.scale_and_shift(path, shape.channels())?;
        self.layer(Op::LayerNorm { weight, bias, eps }, &[x], shape, path)
    }

    /// Looks up ids [n, t] in a table [rows, channels].
    ///
    /// # Errors
    /// [`GraphError::Shape`] unless `ids` has two dimensions.
    pub fn embedding(&mut self, path: &str, ids: NodeId, rows: usize, channels: usize) -> Result<NodeId, GraphError> {
        let &[n, t] = self.shape(ids).dims() else {
            return Err(self.misfit(path, "embedding", &[ids], "it needs ids [n, t]"));
        };
        let weight = self.weight(path, "weight", &[rows, channels])?;
        self.layer(Op::Embedding { weight }, &[ids], Shape::tokens(n, t, channels), path)
    }

    /// The first `used` rows of a table [rows, channels], as [1, used, channels].
    ///
    /// # Errors
    /// [`GraphError::Shape`] when the table has fewer rows.
    pub fn table(&mut self, path: &str, rows: usize, used: usize, channels: usize) -> Result<NodeId, GraphError> {
        if used > rows {
            let why = format!("{used} rows are asked of {rows}");
            return Err(self.misfit(path, "table", &[], &why));
        }
        let weight = self.weight(path, "weight", &[rows, channels])?;
        self.layer(Op::Table { weight }, &[], Shape::tokens(1, used, channels), path)
    }

    /// A function of each element.
    ///
    /// # Errors
    /// None in practice; the shape is the same.
    pub fn activate(&mut self, x: NodeId, activation: Activation) -> Result<NodeId, GraphError> {
        self.push(Op::Activate(activation), &[x], self.shape(x), None, "")
    }

    /// The first half of the channels times the GELU of the second.
    ///
    /// # Errors
    /// [`GraphError::Shape`] for an odd number of channels.
    pub fn geglu(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        let shape = self.shape(x);
        if !shape.channels().is_multiple_of(2) {
            return Err(self.misfit("", "geglu", &[x], "the number of channels is odd"));
        }
        self.push(Op::Geglu, &[x], shape.with_channels(shape.channels() / 2), None, "")
    }

    /// Attention of tokens `q` over `k` and `v`.
    ///
    /// # Errors
    /// [`GraphError::Shape`] unless all are tokens of one batch and width, which divides into `heads`.
    pub fn attention(&mut self, [q, k, v]: [NodeId; 3], heads: usize, mask: Mask) -> Result<NodeId, GraphError> {
        let fits = match [q, k, v].map(|id| self.shape(id).as_tokens()) {
            [Some([n, t, c]), Some(keys), Some(values)] => {
                let masked = mask == Mask::None || keys[1] == t;
                keys == values && (keys[0], keys[2]) == (n, c) && masked && heads > 0 && c.is_multiple_of(heads)
            }
            _ => false,
        };
        if !fits {
            let why = format!("it needs tokens of one batch and width that divide into {heads} heads");
            return Err(self.misfit("", "attention", &[q, k, v], &why));
        }
        self.push(Op::Attention { heads, mask }, &[q, k, v], self.shape(q), None, "")
    }

    /// Sum; a dimension of `b` may have length 1.
    ///
    /// # Errors
    /// [`GraphError::Shape`] when the shapes do not fit.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.elementwise(Op::Add, a, b)
    }

    /// Product; a dimension of `b` may have length 1.
    ///
    /// # Errors
    /// [`GraphError::Shape`] when the shapes do not fit.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        self.elementwise(Op::Mul, a, b)
    }

    /// Each element times `scale` plus `shift`.
    ///
    /// # Errors
    /// None in practice; the shape is the same.
    pub fn affine(&mut self, x: NodeId, scale: f32, shift: f32) -> Result<NodeId, GraphError> {
        self.push(Op::Affine { scale, shift }, &[x], self.shape(x), None, "")
    }

    /// The channels of all `values`, one after the other.
    ///
    /// # Errors
    /// [`GraphError::Shape`] unless they agree in everything but channels.
    pub fn concat(&mut self, values: &[NodeId]) -> Result<NodeId, GraphError> {
        let shapes: Vec<Shape> = values.iter().map(|&id| self.shape(id)).collect();
        let same = |a: &Shape, b: &Shape| a.with_channels(0) == b.with_channels(0);
        let Some(first) = shapes.first().filter(|first| shapes.iter().all(|shape| same(first, shape))) else {
            return Err(self.misfit("", "concat", values, "all but the channels must agree"));
        };
        let channels = shapes.iter().map(Shape::channels).sum();
        self.push(Op::Concat, values, first.with_channels(channels), None, "")
    }

    /// A feature map repeated to `height` x `width`.
    ///
    /// # Errors
    /// [`GraphError::Shape`] unless `x` is a feature map that is not larger.
    pub fn upsample(&mut self, x: NodeId, height: usize, width: usize) -> Result<NodeId, GraphError> {
        match self.shape(x).as_map() {
            Some([n, h, w, c]) if h <= height && w <= width => {
                self.push(Op::Upsample, &[x], Shape::map(n, height, width, c), None, "")
            }
            _ => Err(self.misfit("", "upsample", &[x], "it needs a feature map that is not larger than the result")),
        }
    }

    /// The same elements under another shape.
    ///
    /// # Errors
    /// [`GraphError::Shape`] when the number of elements differs.
    pub fn reshape(&mut self, x: NodeId, shape: Shape) -> Result<NodeId, GraphError> {
        if shape.checked_len() != Some(self.shape(x).len()) {
            return Err(self.misfit("", "reshape", &[x], &format!("it has not as many elements as {shape}")));
        }
        self.push(Op::Reshape, &[x], shape, None, "")
    }

    /// Pictures of bytes [n, h, w, 1] as [n, h, w, 3] in -1..=1; see [`Op::FromPixels`].
    ///
    /// # Errors
    /// [`GraphError::Shape`] unless `x` is a feature map of one channel.
    pub fn from_pixels(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        match self.shape(x).as_map() {
            Some([n, h, w, 1]) => self.push(Op::FromPixels, &[x], Shape::map(n, h, w, COLOURS), None, ""),
            _ => Err(self.misfit("", "from_pixels", &[x], "it needs a feature map of one channel")),
        }
    }

    /// Pictures [n, h, w, 3] in -1..=1 as bytes [n, h, w, 1]; see [`Op::ToPixels`].
    ///
    /// # Errors
    /// [`GraphError::Shape`] unless `x` is a feature map of three channels.
    pub fn to_pixels(&mut self, x: NodeId) -> Result<NodeId, GraphError> {
        match self.shape(x).as_map() {
            Some([n, h, w, COLOURS]) => self.push(Op::ToPixels, &[x], Shape::map(n, h, w, 1), None, ""),
            _ => Err(self.misfit("", "to_pixels", &[x], "it needs a feature map of three channels")),
        }
    }

    /// A refusal in the name of the module being written, for what only a network knows.
    pub fn refusal(&self, what: &'static str, values: &[NodeId], why: &str) -> GraphError {
        self.misfit("", what, values, why)
    }

    fn elementwise(&mut self, op: Op, a: NodeId, b: NodeId) -> Result<NodeId, GraphError> {
        let (shape, other) = (self.shape(a), self.shape(b));
        let fits = shape.rank() == other.rank()
            && shape.dims().iter().zip(other.dims()).all(|(&whole, &part)| part == whole || part == 1);
        if !fits {
            return Err(self.misfit("", op.name(), &[a, b], "the shapes must agree, or be 1 in the second"));
        }
        self.push(op, &[a, b], shape, None, "")
    }

    /// A node that ends the module `path`.
    fn layer(&mut self, op: Op, inputs: &[NodeId], shape: Shape, path: &str) -> Result<NodeId, GraphError> {
        let id = self.push(op, inputs, shape, None, path)?;
        self.mark(path, id);
        Ok(id)
    }

    /// The input called `name`.
    pub(super) fn find_input(&self, name: &str) -> Option<NodeId> {
        self.graph.inputs().find(|(input, _)| *input == name).map(|(_, id)| id)
    }

    /// The node that does the same work on the same values.
    pub(super) fn find_same(&self, op: &Op, inputs: &[NodeId]) -> Option<NodeId> {
        let same = |node: &Node| node.op == *op && node.inputs == inputs;
        // Without inputs it is a table; else it comes after the last of them.
        let first = inputs.iter().map(|id| id.index() + 1).max().unwrap_or(0);
        let found = self.graph.nodes[first..].iter().position(same);
        found.map(|index| NodeId((first + index) as u32))
    }

    pub(super) fn push(
        &mut self,
        op: Op,
        inputs: &[NodeId],
        shape: Shape,
        stage: Option<Stage>,
        path: &str,
    ) -> Result<NodeId, GraphError> {
        let path = self.path(path);
        if shape.is_empty() {
            let why = format!("the result {shape} is empty");
            return Err(self.misfit_at(path, op.name(), inputs, &why));
        }
        if shape.checked_len().is_none_or(|len| len > MAX_ELEMENTS) {
            return Err(GraphError::TooLarge { graph: self.graph.name.clone(), path, shape });
        }
        let latest = inputs.iter().map(|&id| self.graph.node(id).stage).max();
        let stage = stage.or(latest).unwrap_or(Stage::Constant);
        let id = NodeId(self.graph.nodes.len() as u32);
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec(), shape, stage, path });
        Ok(id)
    }

    fn bias(&mut self, path: &str, bias: Bias, channels: usize) -> Result<Option<WeightId>, GraphError> {
        match bias {
            Bias::With => self.weight(path, "bias", &[channels]).map(Some),
            Bias::Without => Ok(None),
        }
    }

    fn scale_and_shift(&mut self, path: &str, channels: usize) -> Result<(WeightId, WeightId), GraphError> {
        Ok((self.weight(path, "weight", &[channels])?, self.weight(path, "bias", &[channels])?))
    }

    fn weight(&mut self, path: &str, name: &str, shape: &[usize]) -> Result<WeightId, GraphError> {
        self.weight_by_key(&join(&join(&self.component, &self.path(path)), name), shape)
    }

    /// The weight of that key; each is there once.
    pub(super) fn weight_by_key(&mut self, key: &str, shape: &[usize]) -> Result<WeightId, GraphError> {
        if let Some(&id) = self.weight_ids.get(key) {
            let first = &self.graph.weight(id).shape;
            if first == shape {
                return Ok(id);
            }
            let (graph, first) = (self.graph.name.clone(), first.clone());
            return Err(GraphError::Weight { graph, key: key.into(), first, second: shape.to_vec() });
        }
        let id = WeightId(self.graph.weights.len() as u32);
        self.graph.weights.push(Weight { key: key.into(), shape: shape.to_vec() });
        self.weight_ids.insert(key.into(), id);
        Ok(id)
    }

    fn path(&self, below: &str) -> String {
        join(&self.scope, below)
    }

    fn misfit(&self, path: &str, op: &'static str, values: &[NodeId], why: &str) -> GraphError {
        self.misfit_at(self.path(path), op, values, why)
    }

    fn misfit_at(&self, path: String, op: &'static str, values: &[NodeId], why: &str) -> GraphError {
        let shapes: Vec<String> = values.iter().map(|&id| self.shape(id).to_string()).collect();
        let found = if shapes.is_empty() { "nothing".into() } else { shapes.join(" and ") };
        GraphError::Shape { graph: self.graph.name.clone(), path, op, found, why: why.into() }
    }
}

fn join(above: &str, below: &str) -> String {
    match (above, below) {
        ("", path) | (path, "") => path.into(),
        _ => format!("{above}.{below}"),
    }
}
