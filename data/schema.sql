-- The one contract between precompute/ (writes) and explorer/ (reads).
-- Errors are fractions of examples misclassified, stored as counts of correct examples where they are counts. Losses are mean
-- cross-entropy in nats, unless studies.loss says otherwise. An epoch is one pass over the study's training set, a step one optimizer update.
-- Rows are sorted by their leading integer keys; there are no indexes. NULL means "not measured" or "after divergence", never NaN.
-- Version 2 added studies.clock and loss, contrasts.p and p_adjusted, and the table layers; version 3 damage, counts, targets and what came
-- after them, which an older build does not know. A change of a column or of its meaning raises `schema_version` below; `precompute build` takes the runs of a database of an older version over.

CREATE TYPE run_status AS ENUM ('complete', 'diverged', 'failed');
CREATE TYPE verdict AS ENUM ('shown', 'not shown', 'contradicted', 'not tested here');

CREATE TABLE meta (key VARCHAR NOT NULL, value VARCHAR NOT NULL);
COMMENT ON TABLE meta IS 'Facts about this file, one per row.';
COMMENT ON COLUMN meta.key IS 'schema_version, content_hash (sha256 over all content but runs.wall_s, runs.started_at, targets.seconds, and built_at, git_commit and duckdb here), built_at (UTC), git_commit, duckdb, ...';
COMMENT ON COLUMN meta.value IS 'The value, as text.';
INSERT INTO meta VALUES ('schema_version', '3');

CREATE TABLE studies (
    study VARCHAR NOT NULL,
    question VARCHAR NOT NULL,
    dataset VARCHAR NOT NULL,
    dataset_copy VARCHAR NOT NULL,
    data_fingerprint VARCHAR NOT NULL,
    x_axis VARCHAR NOT NULL,
    clock VARCHAR NOT NULL,
    loss VARCHAR NOT NULL,
    planned INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    diverged INTEGER NOT NULL,
    failed INTEGER NOT NULL
);
COMMENT ON TABLE studies IS 'One grid of runs that speaks to a question; one row per study with at least one run.';
COMMENT ON COLUMN studies.study IS 'Name, question/grid, for example double_descent/mnist_mlp.';
COMMENT ON COLUMN studies.question IS 'One of generalization, activation, depth, batch_norm, batch_size, wiring.';
COMMENT ON COLUMN studies.dataset IS 'Repository of the data set on the Hugging Face Hub.';
COMMENT ON COLUMN studies.dataset_copy IS 'Which copy was decoded, as a reader should name it, for example "MNIST" or "CIFAR-10 (JPEG copy)".';
COMMENT ON COLUMN studies.data_fingerprint IS 'sha256 over the decoded pixels and labels, training then test set.';
COMMENT ON COLUMN studies.x_axis IS 'The setting that runs along the x axis of this study''s maps, for example width.';
COMMENT ON COLUMN studies.clock IS 'What the column epoch counts in this study: epoch (passes over the training set), time (of gradient flow, in steps of rate 1), or end (the only reading is where training ended, and has the number 1).';
COMMENT ON COLUMN studies.loss IS 'What train_loss, val_loss and test_loss are: cross_entropy (mean, in nats), or squared_error (mean over examples of the sum over classes).';
COMMENT ON COLUMN studies.planned IS 'Runs in the full grid.';
COMMENT ON COLUMN studies.complete IS 'Runs that trained to the end.';
COMMENT ON COLUMN studies.diverged IS 'Runs whose loss left the finite range or stayed above ten times its start.';
COMMENT ON COLUMN studies.failed IS 'Runs whose code raised.';

CREATE TABLE maps (
    map INTEGER NOT NULL,
    study VARCHAR NOT NULL,
    settings JSON NOT NULL
);
COMMENT ON TABLE maps IS 'One heatmap: the configurations of a study that differ in nothing but its x axis.';
COMMENT ON COLUMN maps.map IS 'Key.';
COMMENT ON COLUMN maps.study IS 'The study.';
COMMENT ON COLUMN maps.settings IS 'The settings shared by all configurations of the map.';

CREATE TABLE configurations (
    configuration INTEGER NOT NULL,
    map INTEGER NOT NULL,
    study VARCHAR NOT NULL,
    x DOUBLE NOT NULL,
    n_params BIGINT NOT NULL,
    settings JSON NOT NULL
);
COMMENT ON TABLE configurations IS 'Everything that defines a run but its seed. A cell of a map is a configuration at an epoch.';
COMMENT ON COLUMN configurations.configuration IS 'Key.';
COMMENT ON COLUMN configurations.map IS 'The map it lies on.';
COMMENT ON COLUMN configurations.study IS 'The study.';
COMMENT ON COLUMN configurations.x IS 'Value of the study''s x axis, for example the width in units.';
COMMENT ON COLUMN configurations.n_params IS 'Trainable scalars.';
COMMENT ON COLUMN configurations.settings IS 'All settings by name, defaults included, without the seed.';

CREATE TABLE runs (
    run INTEGER NOT NULL,
    run_id VARCHAR NOT NULL,
    configuration INTEGER NOT NULL,
    study VARCHAR NOT NULL,
    seed INTEGER NOT NULL,
    recipe INTEGER NOT NULL,
    status run_status NOT NULL,
    stop_step INTEGER,
    error VARCHAR,
    steps INTEGER NOT NULL,
    epochs INTEGER NOT NULL,
    best_epoch INTEGER,
    n_train INTEGER NOT NULL,
    n_val INTEGER NOT NULL,
    n_test INTEGER NOT NULL,
    wrong_labels INTEGER NOT NULL,
    flops DOUBLE NOT NULL,
    wall_s FLOAT NOT NULL,
    device VARCHAR NOT NULL,
    engine VARCHAR NOT NULL,
    precision VARCHAR NOT NULL,
    torch VARCHAR NOT NULL,
    python VARCHAR NOT NULL,
    git_commit VARCHAR NOT NULL,
    data_fingerprint VARCHAR NOT NULL,
    started_at TIMESTAMP NOT NULL
);
COMMENT ON TABLE runs IS 'One model trained once, from one configuration and one seed.';
COMMENT ON COLUMN runs.run IS 'Key, in this file only.';
COMMENT ON COLUMN runs.run_id IS 'Lasting name: first 16 hex digits of sha256 over study, recipe and settings that differ from their default.';
COMMENT ON COLUMN runs.configuration IS 'The configuration.';
COMMENT ON COLUMN runs.study IS 'The study.';
COMMENT ON COLUMN runs.seed IS 'The seed: it keys the subset of the data, the noisy labels, the start weights and the order of examples.';
COMMENT ON COLUMN runs.recipe IS 'Version of the mathematics of training, raised when a change of it makes older runs another thing.';
COMMENT ON COLUMN runs.status IS 'complete, diverged (curves are NULL from stop_step on) or failed (see error).';
COMMENT ON COLUMN runs.stop_step IS 'Step at which a diverged run left the finite range, or of the first evaluation from which on its train loss stayed above ten times its start to the end (two evaluations or more; in a study that trains to a target, the validation loss); NULL otherwise.';
COMMENT ON COLUMN runs.error IS 'Message of a failed run; NULL otherwise.';
COMMENT ON COLUMN runs.steps IS 'Optimizer updates made.';
COMMENT ON COLUMN runs.epochs IS 'Passes over the training set made; in double_descent/random_features, which makes none, the last time.';
COMMENT ON COLUMN runs.best_epoch IS 'The evaluated epoch with the lowest validation error (the first of equals): early stopping, chosen without test data.';
COMMENT ON COLUMN runs.n_train IS 'Training examples.';
COMMENT ON COLUMN runs.n_val IS 'Validation examples, held out of the training set, labels clean.';
COMMENT ON COLUMN runs.n_test IS 'Test examples, labels clean.';
COMMENT ON COLUMN runs.wrong_labels IS 'Training examples whose label was replaced by a wrong one.';
COMMENT ON COLUMN runs.flops IS 'Floating-point operations of the products that training needs (forward, gradients of the weights), evaluation left out. In three studies what a run is priced at: batch_norm/deep_linear ten times its products, activation/born_dead 200 for every weight drawn (nothing is trained), double_descent/random_features the features of all images, the singular value decomposition and the predictions.';
COMMENT ON COLUMN runs.wall_s IS 'Seconds of wall time: its share, by FLOPs, of the group it trained in; in double_descent/random_features its own and an equal share of the decomposition. Time in which the process was stopped from outside counts.';
COMMENT ON COLUMN runs.device IS 'Processor or accelerator, by its own name.';
COMMENT ON COLUMN runs.engine IS 'How it was trained, for example "grouped MLPs, 1 thread".';
COMMENT ON COLUMN runs.precision IS 'Number format of the products, for example fp32.';
COMMENT ON COLUMN runs.torch IS 'Version of PyTorch.';
COMMENT ON COLUMN runs.python IS 'Version of Python.';
COMMENT ON COLUMN runs.git_commit IS 'Commit of the code, with "+" behind it when the working tree had changes.';
COMMENT ON COLUMN runs.data_fingerprint IS 'Fingerprint of the data it was trained on; see studies.';
COMMENT ON COLUMN runs.started_at IS 'Start of its group, UTC.';

CREATE TABLE curves (
    run INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    train_loss FLOAT,
    train_correct INTEGER,
    val_loss FLOAT,
    val_correct INTEGER,
    test_loss FLOAT,
    test_correct INTEGER,
    memorized INTEGER
);
COMMENT ON TABLE curves IS 'What was measured of a run at each evaluated epoch, on whole sets, after the epoch''s last step.';
COMMENT ON COLUMN curves.run IS 'The run.';
COMMENT ON COLUMN curves.epoch IS 'Epochs trained, counted from 1; in a study whose clock is time, the time; where it is end, 1.';
COMMENT ON COLUMN curves.train_loss IS 'Mean loss (studies.loss) on the training set with its labels as trained, noise included.';
COMMENT ON COLUMN curves.train_correct IS 'Training examples classified as their label as trained, of runs.n_train.';
COMMENT ON COLUMN curves.val_loss IS 'Mean loss on the validation set.';
COMMENT ON COLUMN curves.val_correct IS 'Validation examples classified correctly, of runs.n_val.';
COMMENT ON COLUMN curves.test_loss IS 'Mean loss on the test set.';
COMMENT ON COLUMN curves.test_correct IS 'Test examples classified correctly, of runs.n_test.';
COMMENT ON COLUMN curves.memorized IS 'Wrongly labelled training examples classified as their wrong label, of runs.wrong_labels.';

CREATE TABLE layers (
    run INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    gradient_norm FLOAT,
    preactivation_mean FLOAT,
    preactivation_sd FLOAT,
    dead FLOAT,
    saturated FLOAT
);
COMMENT ON TABLE layers IS 'What was measured inside a run, at its evaluated epochs and before the first step. NULL where a study does not measure it.';
COMMENT ON COLUMN layers.run IS 'The run.';
COMMENT ON COLUMN layers.epoch IS 'Epochs trained; 0 is the start.';
COMMENT ON COLUMN layers.layer IS 'Layer with weights, counted from 1 at the input.';
COMMENT ON COLUMN layers.gradient_norm IS 'Euclidean norm of the gradient of the mean train loss with respect to the weights of the layer, biases left out; over the first 1,000 training examples, batch norm in training mode.';
COMMENT ON COLUMN layers.preactivation_mean IS 'Mean of the layer''s output before its activation (after batch norm; before a shortcut is added in networks of convolutions, after the sum in the pre-activation blocks of the fully connected ones), over units and training examples.';
COMMENT ON COLUMN layers.preactivation_sd IS 'Standard deviation of the same.';
COMMENT ON COLUMN layers.dead IS 'Share of units (channels, in a convolution) whose activation is zero on every training example.';
COMMENT ON COLUMN layers.saturated IS 'Share of units and training examples at which the slope of the activation is below a hundredth of its largest slope.';

CREATE TABLE graphs (
    configuration INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    nodes INTEGER NOT NULL,
    edges INTEGER NOT NULL,
    sources INTEGER NOT NULL,
    sinks INTEGER NOT NULL,
    redrawn INTEGER NOT NULL,
    path_length DOUBLE NOT NULL,
    longest_path INTEGER NOT NULL,
    clustering DOUBLE NOT NULL,
    mean_degree DOUBLE NOT NULL
);
COMMENT ON TABLE graphs IS 'The graphs that wire the stages of the networks of a configuration (question wiring): drawn by family and number (settings family, links, p, nodes, graph), the same for every seed.';
COMMENT ON COLUMN graphs.configuration IS 'The configuration.';
COMMENT ON COLUMN graphs.stage IS 'Stage of the network, counted from 1: between two stages the image halves.';
COMMENT ON COLUMN graphs.channels IS 'Channels of the nodes of the stage, chosen so that all networks of a study have as many parameters, within 2%.';
COMMENT ON COLUMN graphs.nodes IS 'Nodes. The extra input node, which feeds the sources, and output node, which takes the mean of the sinks, are not counted.';
COMMENT ON COLUMN graphs.edges IS 'Edges between them.';
COMMENT ON COLUMN graphs.sources IS 'Nodes that no edge enters.';
COMMENT ON COLUMN graphs.sinks IS 'Nodes that no edge leaves.';
COMMENT ON COLUMN graphs.redrawn IS 'Graphs that were drawn before this one and thrown away, because they were not connected.';
COMMENT ON COLUMN graphs.path_length IS 'Mean distance of two nodes in edges, their direction left out.';
COMMENT ON COLUMN graphs.longest_path IS 'Edges of the longest way along their direction.';
COMMENT ON COLUMN graphs.clustering IS 'Mean over nodes of the share of pairs of neighbours that are linked (Watts & Strogatz 1998), directions left out.';
COMMENT ON COLUMN graphs.mean_degree IS 'Mean number of edges of a node: 2 edges / nodes.';

CREATE TABLE nodes (
    configuration INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    node INTEGER NOT NULL,
    in_degree INTEGER NOT NULL,
    out_degree INTEGER NOT NULL,
    x FLOAT NOT NULL,
    y FLOAT NOT NULL
);
COMMENT ON TABLE nodes IS 'The nodes of graphs, and where to draw them: one layered layout for all families.';
COMMENT ON COLUMN nodes.configuration IS 'The configuration.';
COMMENT ON COLUMN nodes.stage IS 'The stage.';
COMMENT ON COLUMN nodes.node IS 'Number of the node, from 1; every edge goes from a smaller number to a larger.';
COMMENT ON COLUMN nodes.in_degree IS 'Edges that enter it; 0 for a source, which the input node feeds.';
COMMENT ON COLUMN nodes.out_degree IS 'Edges that leave it; 0 for a sink, which the output node averages.';
COMMENT ON COLUMN nodes.x IS 'Layer: nodes on the longest way to it, itself included.';
COMMENT ON COLUMN nodes.y IS 'Place within its layer: one apart, centred at 0, in the order of the mean y of the nodes that feed it.';

CREATE TABLE edges (
    configuration INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    source INTEGER NOT NULL,
    target INTEGER NOT NULL,
    bend FLOAT NOT NULL
);
COMMENT ON TABLE edges IS 'The edges of graphs.';
COMMENT ON COLUMN edges.configuration IS 'The configuration.';
COMMENT ON COLUMN edges.stage IS 'The stage.';
COMMENT ON COLUMN edges.source IS 'The node that it leaves.';
COMMENT ON COLUMN edges.target IS 'The node that it enters.';
COMMENT ON COLUMN edges.bend IS 'For drawing: how far the middle of the edge lies above (or, negative, below) the straight line, in the unit of nodes.y; 0 for an edge to the next layer.';

CREATE TABLE edge_weights (
    run INTEGER NOT NULL,
    stage INTEGER NOT NULL,
    source INTEGER NOT NULL,
    target INTEGER NOT NULL,
    weight FLOAT NOT NULL
);
COMMENT ON TABLE edge_weights IS 'What each complete run has learned for each edge of its graphs.';
COMMENT ON COLUMN edge_weights.run IS 'The run.';
COMMENT ON COLUMN edge_weights.stage IS 'The stage.';
COMMENT ON COLUMN edge_weights.source IS 'The node that the edge leaves.';
COMMENT ON COLUMN edge_weights.target IS 'The node that it enters.';
COMMENT ON COLUMN edge_weights.weight IS 'The factor, between 0 and 1 (the sigmoid of the learned scalar), by which the output of source comes into the sum of target. It starts at 1/2; the only edge into a node hardly needs it, since batch normalization follows.';

CREATE TABLE damage (
    run INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    stage INTEGER NOT NULL,
    part INTEGER NOT NULL,
    target INTEGER,
    test_loss FLOAT,
    test_correct INTEGER NOT NULL,
    n_test INTEGER
);
COMMENT ON TABLE damage IS 'What a trained network still does when one of its parts is taken out, without training it again. One row a part; the whole network is the last row of its curves, or the row of kind none where n_test is given.';
COMMENT ON COLUMN damage.run IS 'The run.';
COMMENT ON COLUMN damage.kind IS 'What is taken out: block (two convolutions; what their shortcut carries goes on, also in a plain network), node, or edge (what it brings counts as zero, everything else stays); none: nothing, the whole network on the examples that its parts were taken out on, where these are not all.';
COMMENT ON COLUMN damage.stage IS 'Stage of the network it lies in, counted from 1: between two stages the image halves. 0 for none.';
COMMENT ON COLUMN damage.part IS 'block: its number, counted from 1 at the input through all stages. node: its number in the graph of its stage. edge: the node that it leaves. none: 0.';
COMMENT ON COLUMN damage.target IS 'edge: the node that it enters; NULL for blocks and nodes.';
COMMENT ON COLUMN damage.test_loss IS 'Mean loss on the test set without the part; NULL where it is not finite.';
COMMENT ON COLUMN damage.test_correct IS 'Test examples classified correctly without the part, of n_test.';
COMMENT ON COLUMN damage.n_test IS 'Test examples it was measured on, the first so many of the test set; NULL for all, runs.n_test.';

CREATE TABLE counts (
    run INTEGER NOT NULL,
    quantity VARCHAR NOT NULL,
    value BIGINT NOT NULL,
    trials BIGINT NOT NULL
);
COMMENT ON TABLE counts IS 'What was counted over many small networks at once; a run that only counts has no curves, and zeros for steps, epochs and examples.';
COMMENT ON COLUMN counts.run IS 'The run.';
COMMENT ON COLUMN counts.quantity IS 'born_dead: networks whose output is constant at the start (Lu et al. 2019).';
COMMENT ON COLUMN counts.value IS 'How many.';
COMMENT ON COLUMN counts.trials IS 'Out of so many.';

CREATE TABLE targets (
    run INTEGER NOT NULL,
    target DOUBLE NOT NULL,
    reached BOOLEAN NOT NULL,
    step INTEGER,
    examples BIGINT,
    seconds FLOAT,
    best_val_error FLOAT
);
COMMENT ON TABLE targets IS 'How long a run took to each of several validation errors; five rows for every run that trains to a target, reached or not. A run stops at its last target, at a loss that is not finite, at the most steps of its configuration, or when it has taken three times the steps of the first learning rate of its optimizer, batch size and seed that reached the last target: not reached means not within runs.steps.';
COMMENT ON COLUMN targets.run IS 'The run.';
COMMENT ON COLUMN targets.target IS 'The validation error, a fraction.';
COMMENT ON COLUMN targets.reached IS 'Whether an evaluation found a validation error of at most target.';
COMMENT ON COLUMN targets.step IS 'Optimizer updates before the first such evaluation (evaluations are 5% apart in steps); NULL where not reached.';
COMMENT ON COLUMN targets.examples IS 'Examples trained on until then, step times batch size; divided by runs.n_train, passes over the training set. NULL where not reached.';
COMMENT ON COLUMN targets.seconds IS 'Seconds of training until then, evaluations left out: an equal share of the time of the runs that trained beside it. NULL where not reached.';
COMMENT ON COLUMN targets.best_val_error IS 'Lowest validation error of the evaluations up to step, or to the end of the run where not reached; NULL for a run that diverged before the first.';

CREATE TABLE validation (
    run INTEGER NOT NULL,
    step INTEGER NOT NULL,
    val_loss FLOAT NOT NULL,
    val_correct INTEGER NOT NULL
);
COMMENT ON TABLE validation IS 'Validation along the steps of a run that trains to a target: every fourth evaluation (a factor 1.2 in steps) and the last, before any divergence.';
COMMENT ON COLUMN validation.run IS 'The run.';
COMMENT ON COLUMN validation.step IS 'Optimizer updates made.';
COMMENT ON COLUMN validation.val_loss IS 'Mean loss on the validation set.';
COMMENT ON COLUMN validation.val_correct IS 'Validation examples classified correctly, of runs.n_val.';

CREATE TABLE noise_scale (
    run INTEGER NOT NULL,
    step INTEGER NOT NULL,
    small_batch INTEGER NOT NULL,
    large_batch INTEGER NOT NULL,
    gradient_sq FLOAT NOT NULL,
    trace FLOAT NOT NULL,
    value FLOAT
);
COMMENT ON TABLE noise_scale IS 'The gradient noise scale B_simple (McCandlish et al. 2018) of a run that trains to a target, by the two-batch estimator, at steps a factor 2 apart, before any divergence. To average, average trace and gradient_sq and divide then.';
COMMENT ON COLUMN noise_scale.run IS 'The run.';
COMMENT ON COLUMN noise_scale.step IS 'Optimizer updates made.';
COMMENT ON COLUMN noise_scale.small_batch IS 'Examples of the smaller batch.';
COMMENT ON COLUMN noise_scale.large_batch IS 'Examples of the larger batch, drawn with replacement from the training set.';
COMMENT ON COLUMN noise_scale.gradient_sq IS 'Unbiased estimate of the squared norm of the gradient of the train loss; may be negative.';
COMMENT ON COLUMN noise_scale.trace IS 'Unbiased estimate of the trace of the covariance of the gradients of single examples.';
COMMENT ON COLUMN noise_scale.value IS 'trace / gradient_sq, in examples; NULL where gradient_sq is not positive.';

CREATE TABLE probes (
    run INTEGER NOT NULL,
    step INTEGER NOT NULL,
    loss FLOAT,
    loss_low FLOAT,
    loss_high FLOAT,
    gradient_norm FLOAT,
    change_low FLOAT,
    change_high FLOAT,
    smoothness FLOAT
);
COMMENT ON TABLE probes IS 'The loss along the current gradient (Santurkar et al. 2018) at log-spaced steps of a run of plain SGD: on the batch of the step, all parameters moved against its gradient by a few fixed lengths. Images: 1/2, 1, 2 and 4 times the learning rate at the start, at most 0.4, times the gradient; deep_linear: 0.01, 0.1, 1, 3, 10 and 30 times. NULL where a move left the finite range, and after divergence.';
COMMENT ON COLUMN probes.run IS 'The run.';
COMMENT ON COLUMN probes.step IS 'Number of the optimizer update, counted from 1, before which the probe was taken.';
COMMENT ON COLUMN probes.loss IS 'Loss on the batch of the step before it (studies.loss).';
COMMENT ON COLUMN probes.loss_low IS 'Smallest loss over the moves.';
COMMENT ON COLUMN probes.loss_high IS 'Largest loss over the moves.';
COMMENT ON COLUMN probes.gradient_norm IS 'Euclidean norm of the gradient with respect to all parameters, before the step.';
COMMENT ON COLUMN probes.change_low IS 'Smallest Euclidean distance over the moves between the gradient there and the gradient before the step (gradient predictiveness).';
COMMENT ON COLUMN probes.change_high IS 'Largest such distance.';
COMMENT ON COLUMN probes.smoothness IS 'Effective beta-smoothness: the largest ratio over the moves of that distance to the distance moved; of loss over parameter squared.';

CREATE TABLE shifts (
    run INTEGER NOT NULL,
    step INTEGER NOT NULL,
    layer INTEGER NOT NULL,
    gradient_norm FLOAT,
    gradient_change FLOAT,
    cosine FLOAT,
    input_mean FLOAT,
    input_sd FLOAT,
    mean_drift FLOAT,
    sd_drift FLOAT
);
COMMENT ON TABLE shifts IS 'Internal covariate shift at the steps of the table probes, in both meanings: how the gradient of a layer turns when the layers below it make their step (Santurkar et al. 2018, definition 2.1), and how what it is fed drifts from one step to the next. Same batch before and after. NULL after divergence.';
COMMENT ON COLUMN shifts.run IS 'The run.';
COMMENT ON COLUMN shifts.step IS 'As in probes.';
COMMENT ON COLUMN shifts.layer IS 'Layer with weights, counted from 1 at the input; the first has none below it and no row.';
COMMENT ON COLUMN shifts.gradient_norm IS 'Euclidean norm of the gradient of the loss with respect to the weights of the layer, before the step.';
COMMENT ON COLUMN shifts.gradient_change IS 'Euclidean distance between that gradient and the one after all layers below, and no other, have made the step.';
COMMENT ON COLUMN shifts.cosine IS 'Cosine of the two; NULL where one is zero.';
COMMENT ON COLUMN shifts.input_mean IS 'Mean of what the layer is fed, over units (channels, in a convolution), places and examples of the batch, before the step.';
COMMENT ON COLUMN shifts.input_sd IS 'Standard deviation of the same.';
COMMENT ON COLUMN shifts.mean_drift IS 'How far the mean of each unit that it is fed moves when all layers make the step (and, with noise, draw that of the next): Euclidean norm over the units, as a multiple of that of their standard deviations before the step.';
COMMENT ON COLUMN shifts.sd_drift IS 'The same of the standard deviation of each unit.';

CREATE TABLE tuned (
    study VARCHAR NOT NULL,
    optimizer VARCHAR NOT NULL,
    target DOUBLE NOT NULL,
    batch_size INTEGER NOT NULL,
    rates INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    reached INTEGER NOT NULL,
    not_reached INTEGER NOT NULL,
    diverged INTEGER NOT NULL,
    seeds INTEGER NOT NULL,
    seeds_reached INTEGER NOT NULL,
    fewest_steps INTEGER,
    best_lr DOUBLE,
    steps DOUBLE,
    low DOUBLE,
    high DOUBLE
);
COMMENT ON TABLE tuned IS 'Steps to each target at each batch size after tuning the learning rate, and what the tuning cost: reached + not_reached + diverged = runs.';
COMMENT ON COLUMN tuned.study IS 'The study.';
COMMENT ON COLUMN tuned.optimizer IS 'sgd (no momentum), momentum, nesterov or adam.';
COMMENT ON COLUMN tuned.target IS 'The validation error, a fraction.';
COMMENT ON COLUMN tuned.batch_size IS 'Examples per step.';
COMMENT ON COLUMN tuned.rates IS 'Learning rates that were tried.';
COMMENT ON COLUMN tuned.runs IS 'Runs that were tried: rates times seeds.';
COMMENT ON COLUMN tuned.reached IS 'Runs that reached the target.';
COMMENT ON COLUMN tuned.not_reached IS 'Runs that did not within their steps.';
COMMENT ON COLUMN tuned.diverged IS 'Runs that diverged before they reached it.';
COMMENT ON COLUMN tuned.seeds IS 'Seeds.';
COMMENT ON COLUMN tuned.seeds_reached IS 'Seeds with at least one learning rate that reached it.';
COMMENT ON COLUMN tuned.fewest_steps IS 'Fewest steps of any run: the best of all rates and seeds, as Shallue et al. count, and optimistic. NULL where none reached.';
COMMENT ON COLUMN tuned.best_lr IS 'The learning rate with the fewest mean steps, of those that reached with every seed; NULL where none did.';
COMMENT ON COLUMN tuned.steps IS 'Geometric mean over the seeds of the steps with best_lr; NULL with best_lr.';
COMMENT ON COLUMN tuned.low IS '2.5th percentile of steps over all resamples of the seeds, the best rate chosen anew in each: the spread of the whole tuning. NULL with steps or with fewer than three seeds.';
COMMENT ON COLUMN tuned.high IS '97.5th percentile; NULL too where that resample has no rate that reached.';

CREATE TABLE regimes (
    study VARCHAR NOT NULL,
    optimizer VARCHAR NOT NULL,
    target DOUBLE NOT NULL,
    smallest INTEGER NOT NULL,
    largest INTEGER NOT NULL,
    perfect_until DOUBLE,
    perfect_low DOUBLE,
    perfect_high DOUBLE,
    flat_from DOUBLE,
    flat_low DOUBLE,
    flat_high DOUBLE,
    seeds INTEGER NOT NULL
);
COMMENT ON TABLE regimes IS 'Where perfect scaling ends and where the flat part begins on the curve of tuned.steps against the batch size, both read between the sizes along straight lines in log2. Intervals are 2.5th to 97.5th percentiles over all resamples of the seeds, the whole tuning anew in each.';
COMMENT ON COLUMN regimes.study IS 'The study.';
COMMENT ON COLUMN regimes.optimizer IS 'As in tuned.';
COMMENT ON COLUMN regimes.target IS 'The validation error, a fraction.';
COMMENT ON COLUMN regimes.smallest IS 'Smallest batch size that reached the target with every seed: the curve starts there.';
COMMENT ON COLUMN regimes.largest IS 'Largest batch size up to which every size did.';
COMMENT ON COLUMN regimes.perfect_until IS 'Batch size at which the examples to the target first pass those of the three smallest sizes (geometric mean) divided by 0.8: the end of perfect scaling. NULL where they never do.';
COMMENT ON COLUMN regimes.perfect_low IS 'Lower end of its interval; NULL with fewer than three seeds.';
COMMENT ON COLUMN regimes.perfect_high IS 'Upper end; NULL too where it is beyond the largest size.';
COMMENT ON COLUMN regimes.flat_from IS 'Batch size from which on the steps are within 1 / 0.8 of the fewest at any size.';
COMMENT ON COLUMN regimes.flat_low IS 'Lower end of its interval; NULL with fewer than three seeds.';
COMMENT ON COLUMN regimes.flat_high IS 'Upper end.';
COMMENT ON COLUMN regimes.seeds IS 'Seeds.';

CREATE TABLE families (
    study VARCHAR NOT NULL,
    family VARCHAR NOT NULL,
    links INTEGER NOT NULL,
    p DOUBLE NOT NULL,
    random BOOLEAN NOT NULL,
    graphs INTEGER NOT NULL,
    runs INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    test_error DOUBLE,
    low DOUBLE,
    high DOUBLE,
    n INTEGER NOT NULL,
    sd_graphs DOUBLE,
    sd_seeds DOUBLE,
    sd_ratio_low DOUBLE,
    sd_ratio_high DOUBLE,
    node_correlation DOUBLE,
    node_low DOUBLE,
    node_high DOUBLE,
    edge_correlation DOUBLE,
    edge_low DOUBLE,
    edge_high DOUBLE
);
COMMENT ON TABLE families IS 'Each family of graphs of a study (question wiring) at the last epoch. The unit of a random family is a graph (each of three stages), as the mean of its seeds; that of a family with one graph is a seed. Intervals are 95% Student t over units, with three units or more.';
COMMENT ON COLUMN families.study IS 'The study.';
COMMENT ON COLUMN families.family IS 'er, ba, ws, chain, residual_chain or complete.';
COMMENT ON COLUMN families.links IS 'ba: edges that each new node brings (M). ws: nearest nodes on the ring that each node is linked to (K). 0 elsewhere.';
COMMENT ON COLUMN families.p IS 'er: probability of each link (P). ws: probability that a link is rewired (P). 0 elsewhere.';
COMMENT ON COLUMN families.random IS 'Whether its graphs differ; not for ws with p = 0, chain, residual_chain and complete.';
COMMENT ON COLUMN families.graphs IS 'Graphs that were trained.';
COMMENT ON COLUMN families.runs IS 'Runs that ended: complete or diverged.';
COMMENT ON COLUMN families.failed IS 'Runs that failed to train: diverged, or with a train error above 80% at the end. They are in no mean.';
COMMENT ON COLUMN families.test_error IS 'Mean over units of the test error, a fraction; NULL where no run trains.';
COMMENT ON COLUMN families.low IS 'Lower end of its interval.';
COMMENT ON COLUMN families.high IS 'Upper end.';
COMMENT ON COLUMN families.n IS 'Units.';
COMMENT ON COLUMN families.sd_graphs IS 'Standard deviation between graphs, a fraction: variance component of a one-way analysis with random graphs, 0 where the estimate is negative. NULL without two graphs and two seeds of one.';
COMMENT ON COLUMN families.sd_seeds IS 'Standard deviation between seeds of one graph, a fraction; of a family with one graph, between its seeds.';
COMMENT ON COLUMN families.sd_ratio_low IS 'Lower end of the 95% interval of sd_graphs / sd_seeds, from the F distribution (exact with as many seeds of each graph); NULL with fewer than three graphs.';
COMMENT ON COLUMN families.sd_ratio_high IS 'Upper end.';
COMMENT ON COLUMN families.node_correlation IS 'Mean over units of the rank correlation (Spearman) of the damage done by taking a node out and the edges that leave it, the one to the output node included; within each stage, then averaged over stages where both vary.';
COMMENT ON COLUMN families.node_low IS 'Lower end of its interval.';
COMMENT ON COLUMN families.node_high IS 'Upper end.';
COMMENT ON COLUMN families.edge_correlation IS 'The same of the damage done by taking an edge out and the edges that enter its target.';
COMMENT ON COLUMN families.edge_low IS 'Lower end of its interval.';
COMMENT ON COLUMN families.edge_high IS 'Upper end.';

CREATE TYPE measure AS ENUM ('train_error', 'val_error', 'test_error', 'gap', 'train_loss', 'val_loss', 'test_loss', 'memorized', 'early_stopped_test_error');
CREATE TABLE intervals (
    configuration INTEGER NOT NULL,
    measure measure NOT NULL,
    epoch INTEGER,
    mean FLOAT NOT NULL,
    low FLOAT,
    high FLOAT,
    sd FLOAT,
    n INTEGER NOT NULL
);
COMMENT ON TABLE intervals IS 'Mean over the complete runs (seeds) of a configuration, with a 95% Student t interval, cut off at the possible range of the measure (errors and memorized 0 to 1, gap -1 to 1, losses from 0): no mean lies beyond, so that it covers as often.';
COMMENT ON COLUMN intervals.configuration IS 'The configuration.';
COMMENT ON COLUMN intervals.measure IS 'Errors and gap (test minus train error, per seed) are fractions, losses as in studies.loss, memorized the fraction of wrong labels fitted.';
COMMENT ON COLUMN intervals.epoch IS 'The epoch; NULL for early_stopped_test_error, which is taken at each run''s best_epoch.';
COMMENT ON COLUMN intervals.mean IS 'Mean over seeds.';
COMMENT ON COLUMN intervals.low IS 'Lower end; NULL with fewer than three seeds.';
COMMENT ON COLUMN intervals.high IS 'Upper end; NULL with fewer than three seeds.';
COMMENT ON COLUMN intervals.sd IS 'Standard deviation over seeds (n - 1); NULL with one seed.';
COMMENT ON COLUMN intervals.n IS 'Seeds: every complete run of the configuration, also of a seed on which its learning rate was chosen, as in batch_size/equal_epochs. Its page leaves that seed out.';

CREATE TYPE landmark AS ENUM ('threshold', 'ridge_across', 'ridge_up');
CREATE TABLE landmarks (
    map INTEGER NOT NULL,
    kind landmark NOT NULL,
    level DOUBLE,
    line DOUBLE NOT NULL,
    position DOUBLE,
    low DOUBLE,
    high DOUBLE,
    height DOUBLE,
    clear BOOLEAN NOT NULL,
    reached INTEGER NOT NULL,
    n INTEGER NOT NULL
);
COMMENT ON TABLE landmarks IS 'Lines drawn on a map: the interpolation threshold at each epoch, and the ridge of the test error along each row and column.';
COMMENT ON COLUMN landmarks.map IS 'The map.';
COMMENT ON COLUMN landmarks.kind IS 'threshold: first x whose mean train error is at most level. ridge_across: peak over x at an epoch. ridge_up: peak over epochs at an x.';
COMMENT ON COLUMN landmarks.level IS 'threshold: the train error, a fraction; NULL for ridges.';
COMMENT ON COLUMN landmarks.line IS 'The epoch (threshold, ridge_across) or the x value (ridge_up).';
COMMENT ON COLUMN landmarks.position IS 'The x value (threshold, ridge_across) or the epoch (ridge_up); NULL where not reached or where there is no peak.';
COMMENT ON COLUMN landmarks.low IS 'threshold: smallest over single seeds. Ridges: 2.5th percentile over all resamples of the seeds.';
COMMENT ON COLUMN landmarks.high IS 'threshold: largest over the single seeds that reach it. Ridges: 97.5th percentile.';
COMMENT ON COLUMN landmarks.height IS 'Ridges: the peak above the higher of the two minima beside it, a fraction; NULL for thresholds.';
COMMENT ON COLUMN landmarks.clear IS 'threshold: reached by the mean. Ridges: both the rise to the peak and the fall after it are clear of zero (95% t intervals of the differences, paired by seed, each seed read at places found on the other seeds).';
COMMENT ON COLUMN landmarks.reached IS 'threshold: seeds that reach the level at all. Ridges: share of the resamples, in percent, in which there is a peak.';
COMMENT ON COLUMN landmarks.n IS 'Seeds.';

CREATE TABLE contrasts (
    study VARCHAR NOT NULL,
    quantity VARCHAR NOT NULL,
    baseline JSON NOT NULL,
    changed JSON NOT NULL,
    estimate DOUBLE NOT NULL,
    low DOUBLE,
    high DOUBLE,
    n INTEGER NOT NULL,
    p DOUBLE,
    p_adjusted DOUBLE,
    unit VARCHAR NOT NULL
);
COMMENT ON TABLE contrasts IS 'Ablations: a quantity with one part changed, minus the same with the baseline, paired by seed.';
COMMENT ON COLUMN contrasts.study IS 'The study.';
COMMENT ON COLUMN contrasts.quantity IS 'What is compared, for example final_test_error_at_the_peak_width.';
COMMENT ON COLUMN contrasts.baseline IS 'Settings of the baseline that the contrast is about.';
COMMENT ON COLUMN contrasts.changed IS 'The same settings as changed.';
COMMENT ON COLUMN contrasts.estimate IS 'Mean paired difference, changed minus baseline, in unit.';
COMMENT ON COLUMN contrasts.low IS 'Lower end of its 95% Student t interval; NULL with fewer than three pairs.';
COMMENT ON COLUMN contrasts.high IS 'Upper end; NULL with fewer than three pairs.';
COMMENT ON COLUMN contrasts.n IS 'Pairs (seeds; for a random family of graphs, graphs, each with the mean of its seeds).';
COMMENT ON COLUMN contrasts.p IS 'Two-sided p of the paired t test of no difference; NULL with fewer than three pairs, and where the contrast is not one of a family whose p are corrected.';
COMMENT ON COLUMN contrasts.p_adjusted IS 'p after Holm''s correction over the rows of one comparison (x values, functions of a place, families, or batch sizes); NULL where the contrast is not one of such a family.';
COMMENT ON COLUMN contrasts.unit IS 'Unit of estimate, for example points (percentage points of error).';

CREATE TABLE claims (
    claim VARCHAR NOT NULL,
    question VARCHAR NOT NULL,
    study VARCHAR,
    verdict verdict NOT NULL
);
COMMENT ON TABLE claims IS 'Every claim, fixed before measuring, with its verdict: a row per study that tests it, or one row without a study.';
COMMENT ON COLUMN claims.claim IS 'Code, for example G1. Its sentence and rule are in the texts of the app.';
COMMENT ON COLUMN claims.question IS 'The question it belongs to.';
COMMENT ON COLUMN claims.study IS 'The study that tests it; NULL when none does yet.';
COMMENT ON COLUMN claims.verdict IS 'shown: every part holds. contradicted: a part''s interval lies wholly on the other side of its bound. not shown: neither.';

CREATE TABLE claim_parts (
    claim VARCHAR NOT NULL,
    study VARCHAR NOT NULL,
    part INTEGER NOT NULL,
    quantity VARCHAR NOT NULL,
    estimate DOUBLE,
    low DOUBLE,
    high DOUBLE,
    n INTEGER NOT NULL,
    unit VARCHAR NOT NULL,
    bound VARCHAR NOT NULL,
    holds BOOLEAN NOT NULL,
    details JSON NOT NULL
);
COMMENT ON TABLE claim_parts IS 'The measured quantities behind a verdict, one row per part of the rule.';
COMMENT ON COLUMN claim_parts.claim IS 'The claim.';
COMMENT ON COLUMN claim_parts.study IS 'The study.';
COMMENT ON COLUMN claim_parts.part IS 'Number of the part, from 1.';
COMMENT ON COLUMN claim_parts.quantity IS 'What was measured, a code whose words are in the texts of the app.';
COMMENT ON COLUMN claim_parts.estimate IS 'The estimate; NULL where the quantity does not exist (details says why).';
COMMENT ON COLUMN claim_parts.low IS 'Lower end of the interval that details names, at 95%; in B3 at 97.5%, since there are two slopes, and in G6 at the level that Holm''s correction leaves. NULL with fewer than three seeds, and where nothing is decided (details says why).';
COMMENT ON COLUMN claim_parts.high IS 'Upper end.';
COMMENT ON COLUMN claim_parts.n IS 'Seeds, or pairs of seeds; in W1, W2 and W5 graphs, in W3 and W4 graphs of each family.';
COMMENT ON COLUMN claim_parts.unit IS 'points (percentage points of error), correlation, slope (in log2 of both), doublings, ratio, ...';
COMMENT ON COLUMN claim_parts.bound IS 'The rule of this part, for example ">= 3 and low > 0".';
COMMENT ON COLUMN claim_parts.holds IS 'Whether the part holds by its rule.';
COMMENT ON COLUMN claim_parts.details IS 'Where it was measured: widths, epochs, kind of interval.';

CREATE TABLE published (
    source VARCHAR NOT NULL,
    question VARCHAR NOT NULL,
    figure VARCHAR NOT NULL,
    series VARCHAR NOT NULL,
    x_name VARCHAR NOT NULL,
    x DOUBLE NOT NULL,
    y_name VARCHAR NOT NULL,
    y DOUBLE NOT NULL,
    precision VARCHAR NOT NULL,
    tag VARCHAR NOT NULL,
    note VARCHAR NOT NULL
);
COMMENT ON TABLE published IS 'Numbers from papers, from data/published.csv; drawn as hollow marks, never joined with ours.';
COMMENT ON COLUMN published.source IS 'Citation key, for example Nakkiran et al. 2019, arXiv 1912.02292.';
COMMENT ON COLUMN published.question IS 'The question it is held against.';
COMMENT ON COLUMN published.figure IS 'Figure or table of the source.';
COMMENT ON COLUMN published.series IS 'Curve within the figure.';
COMMENT ON COLUMN published.x_name IS 'What x is, with its unit.';
COMMENT ON COLUMN published.x IS 'The abscissa.';
COMMENT ON COLUMN published.y_name IS 'What y is, with its unit.';
COMMENT ON COLUMN published.y IS 'The ordinate.';
COMMENT ON COLUMN published.precision IS 'How exact the number is.';
COMMENT ON COLUMN published.tag IS 'How it was obtained: V1 read in the paper, V2 read in a replication report, A authors'' released numbers, D digitised, C computed from the definition.';
COMMENT ON COLUMN published.note IS 'What a reader must know to compare.';
