import java.io.Serializable;
import java.time.Duration;
import java.util.Objects;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.serialization.SimpleStringEncoder;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExternalizedCheckpointRetention;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.connector.file.sink.FileSink;
import org.apache.flink.connector.file.src.FileSource;
import org.apache.flink.connector.file.src.reader.TextLineInputFormat;
import org.apache.flink.core.fs.Path;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * What the plugin `delays` does, as a job of Flink in one process: Delays INPUT CHECKPOINTS OUTPUT MILLISECONDS [CHECKPOINT].
 *
 * <p>The state is in RocksDB, and checkpoints are incremental. With CHECKPOINT the job continues from there. A line on
 * the standard output says when the first record of this start has been added.
 */
public final class Delays {
    private Delays() {}

    /** A flight, with what it adds to its route. */
    public static final class Flight implements Serializable {
        public String key = "";
        public boolean isCancelled;
        public boolean hasDelay;
        public long delay;
    }

    /** The value of one key. */
    public static final class Route implements Serializable {
        public long flights;
        public long cancelled;
        public long delay;
        public boolean hasWorst;
        public long worst;
    }

    /** Adds flights up. A timer at the end of time writes the value of each key when the input ends. */
    static final class Sum extends KeyedProcessFunction<String, Flight, String> {
        private transient ValueState<Route> state;
        private transient boolean hasBegun;

        @Override
        public void open(OpenContext context) {
            state = getRuntimeContext().getState(new ValueStateDescriptor<>("route", Route.class));
        }

        @Override
        public void processElement(Flight flight, Context context, Collector<String> out) throws Exception {
            Route route = state.value();
            if (route == null) {
                route = new Route();
                context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
            }
            route.flights++;
            if (flight.isCancelled) route.cancelled++;
            if (flight.hasDelay) {
                route.delay += flight.delay;
                route.worst = route.hasWorst ? Math.max(route.worst, flight.delay) : flight.delay;
                route.hasWorst = true;
            }
            state.update(route);
            if (!hasBegun) {
                hasBegun = true;
                System.out.println("first record");
                System.out.flush();
            }
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<String> out) throws Exception {
            Route route = Objects.requireNonNull(state.value());
            out.collect(String.format("%s,%d,%d,%d,%s", context.getCurrentKey(), route.flights, route.cancelled, route.delay, route.hasWorst ? route.worst : ""));
        }
    }

    static boolean isKnown(String field) {
        return !field.isEmpty() && !field.equals("NA");
    }

    static Flight read(String line) {
        String[] fields = line.split(",", -1);
        Flight flight = new Flight();
        flight.key = fields[9] + ":" + fields[12] + "-" + fields[13];
        flight.isCancelled = !isKnown(fields[3]);
        flight.hasDelay = isKnown(fields[8]);
        if (flight.hasDelay) flight.delay = Long.parseLong(fields[8]);
        return flight;
    }

    public static void main(String[] arguments) throws Exception {
        Configuration options = new Configuration();
        options.set(StateBackendOptions.STATE_BACKEND, "rocksdb");
        options.set(CheckpointingOptions.INCREMENTAL_CHECKPOINTS, true);
        options.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, "file://" + arguments[1]);
        options.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(Long.parseLong(arguments[3])));
        options.set(CheckpointingOptions.EXTERNALIZED_CHECKPOINT_RETENTION, ExternalizedCheckpointRetention.RETAIN_ON_CANCELLATION);
        options.set(PipelineOptions.OBJECT_REUSE, true);
        options.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(512));
        if (arguments.length > 4) options.set(StateRecoveryOptions.SAVEPOINT_PATH, "file://" + arguments[4]);
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment(options);
        environment.setParallelism(1);
        FileSource<String> source = FileSource.forRecordStreamFormat(new TextLineInputFormat(), new Path(arguments[0])).build();
        environment
                .fromSource(source, WatermarkStrategy.noWatermarks(), "flights")
                .filter(line -> !line.startsWith("year,"))
                .map(Delays::read)
                .keyBy(flight -> flight.key)
                .process(new Sum())
                .uid("delays")
                .sinkTo(FileSink.forRowFormat(new Path(arguments[2]), new SimpleStringEncoder<String>()).build());
        environment.execute("delays");
    }
}
