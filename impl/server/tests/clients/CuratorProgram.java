import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.framework.CuratorFrameworkFactory;
import org.apache.curator.framework.recipes.atomic.DistributedAtomicLong;
import org.apache.curator.framework.recipes.barriers.DistributedBarrier;
import org.apache.curator.framework.recipes.barriers.DistributedDoubleBarrier;
import org.apache.curator.framework.recipes.cache.CuratorCache;
import org.apache.curator.framework.recipes.cache.CuratorCacheListener;
import org.apache.curator.framework.recipes.leader.LeaderLatch;
import org.apache.curator.framework.recipes.locks.InterProcessMutex;
import org.apache.curator.framework.recipes.locks.InterProcessReadWriteLock;
import org.apache.curator.framework.recipes.locks.InterProcessSemaphoreV2;
import org.apache.curator.framework.recipes.nodes.PersistentNode;
import org.apache.curator.retry.ExponentialBackoffRetry;
import org.apache.zookeeper.CreateMode;

/** Curator's recipes, one after the other, each with a line that says what came of it. */
public class CuratorProgram {
    private static CuratorFramework connected(String servers) throws Exception {
        CuratorFramework client =
                CuratorFrameworkFactory.newClient(servers, 30000, 30000, new ExponentialBackoffRetry(100, 5));
        client.start();
        client.blockUntilConnected();
        return client;
    }

    public static void main(String[] args) {
        try {
            run(args);
            System.exit(0);
        } catch (Exception failed) {
            failed.printStackTrace(System.out);
            System.exit(1);
        }
    }

    private static void run(String[] args) throws Exception {
        CuratorFramework one = connected(args[0]);
        CuratorFramework other = connected(args[0]);
        nodes(one);
        locks(one, other);
        leader(one, other);
        cache(one, other);
        counter(one, other);
        barriers(one, other);
        transaction(one);
        one.delete().deletingChildrenIfNeeded().forPath("/curator");
        System.out.println("left: " + one.checkExists().forPath("/curator"));
        one.close();
        other.close();
    }

    private static void nodes(CuratorFramework client) throws Exception {
        client.create().creatingParentsIfNeeded().forPath("/curator/node", "a".getBytes());
        client.setData().withVersion(0).forPath("/curator/node", "b".getBytes());
        String made = client.create().withProtection().withMode(CreateMode.EPHEMERAL_SEQUENTIAL).forPath("/curator/p-");
        System.out.println("protected: " + made.substring(made.length() - 13));
        String parents = client.create().creatingParentContainersIfNeeded().forPath("/curator/in/container");
        System.out.println("containers: " + parents);
        try (PersistentNode node = new PersistentNode(client, CreateMode.EPHEMERAL, false, "/curator/stays", new byte[0])) {
            node.start();
            System.out.println("persistent node: " + node.waitForInitialCreate(30, TimeUnit.SECONDS));
        }
        System.out.println("data: " + new String(client.getData().forPath("/curator/node")));
    }

    private static void locks(CuratorFramework one, CuratorFramework other) throws Exception {
        InterProcessMutex mutex = new InterProcessMutex(one, "/curator/mutex");
        mutex.acquire();
        InterProcessMutex second = new InterProcessMutex(other, "/curator/mutex");
        System.out.println("second holder: " + second.acquire(200, TimeUnit.MILLISECONDS));
        mutex.release();
        System.out.println("after release: " + second.acquire(30, TimeUnit.SECONDS));
        second.release();
        InterProcessReadWriteLock readers = new InterProcessReadWriteLock(one, "/curator/rw");
        InterProcessReadWriteLock writers = new InterProcessReadWriteLock(other, "/curator/rw");
        readers.readLock().acquire();
        System.out.println("writer beside reader: " + writers.writeLock().acquire(200, TimeUnit.MILLISECONDS));
        System.out.println("reader beside reader: " + writers.readLock().acquire(30, TimeUnit.SECONDS));
        readers.readLock().release();
        writers.readLock().release();
        InterProcessSemaphoreV2 semaphore = new InterProcessSemaphoreV2(one, "/curator/semaphore", 2);
        var lease = semaphore.acquire();
        var another = semaphore.acquire();
        System.out.println("third lease: " + (semaphore.acquire(200, TimeUnit.MILLISECONDS) != null));
        semaphore.returnLease(lease);
        semaphore.returnLease(another);
    }

    private static void leader(CuratorFramework one, CuratorFramework other) throws Exception {
        LeaderLatch first = new LeaderLatch(one, "/curator/leader", "first");
        first.start();
        first.await();
        LeaderLatch second = new LeaderLatch(other, "/curator/leader", "second");
        second.start();
        System.out.println("leader: " + second.getLeader().getId());
        first.close();
        second.await();
        System.out.println("then: " + second.getLeader().getId());
        second.close();
    }

    private static void cache(CuratorFramework one, CuratorFramework other) throws Exception {
        one.create().forPath("/curator/cache", "root".getBytes());
        CountDownLatch begun = new CountDownLatch(1), created = new CountDownLatch(2);
        CountDownLatch changed = new CountDownLatch(1), gone = new CountDownLatch(1);
        CuratorCache cache = CuratorCache.build(other, "/curator/cache");
        cache.listenable()
                .addListener(CuratorCacheListener.builder()
                        .forInitialized(begun::countDown)
                        .forCreates(node -> created.countDown())
                        .forChanges((before, after) -> changed.countDown())
                        .forDeletes(node -> gone.countDown())
                        .build());
        cache.start();
        System.out.println("initialized: " + begun.await(30, TimeUnit.SECONDS));
        one.create().forPath("/curator/cache/child", "x".getBytes());
        // A change that comes before the cache has read the child is not told as one.
        System.out.println("created: " + created.await(30, TimeUnit.SECONDS));
        one.setData().forPath("/curator/cache/child", "y".getBytes());
        System.out.println("changed: " + changed.await(30, TimeUnit.SECONDS));
        one.delete().forPath("/curator/cache/child");
        System.out.println("gone: " + gone.await(30, TimeUnit.SECONDS));
        cache.close();
    }

    private static void counter(CuratorFramework one, CuratorFramework other) throws Exception {
        ExecutorService pool = Executors.newFixedThreadPool(2);
        List<Future<?>> all = List.of(pool.submit(() -> add(one)), pool.submit(() -> add(other)));
        for (Future<?> each : all) {
            each.get();
        }
        pool.shutdown();
        var counter = new DistributedAtomicLong(one, "/curator/counter", new ExponentialBackoffRetry(10, 20));
        System.out.println("counter: " + counter.get().postValue());
    }

    private static Void add(CuratorFramework client) throws Exception {
        var counter = new DistributedAtomicLong(client, "/curator/counter", new ExponentialBackoffRetry(10, 20));
        for (int done = 0; done < 20; ) {
            if (counter.increment().succeeded()) {
                done++;
            }
        }
        return null;
    }

    private static void barriers(CuratorFramework one, CuratorFramework other) throws Exception {
        DistributedBarrier barrier = new DistributedBarrier(one, "/curator/barrier");
        barrier.setBarrier();
        System.out.println("barrier: " + new DistributedBarrier(other, "/curator/barrier").waitOnBarrier(200, TimeUnit.MILLISECONDS));
        barrier.removeBarrier();
        System.out.println("removed: " + new DistributedBarrier(other, "/curator/barrier").waitOnBarrier(30, TimeUnit.SECONDS));
        DistributedDoubleBarrier here = new DistributedDoubleBarrier(one, "/curator/double", 2);
        DistributedDoubleBarrier there = new DistributedDoubleBarrier(other, "/curator/double", 2);
        ExecutorService pool = Executors.newFixedThreadPool(1);
        Future<Boolean> entered = pool.submit(() -> there.enter(30, TimeUnit.SECONDS));
        here.enter(30, TimeUnit.SECONDS);
        System.out.println("both: " + entered.get());
        Future<Boolean> left = pool.submit(() -> there.leave(30, TimeUnit.SECONDS));
        here.leave(30, TimeUnit.SECONDS);
        System.out.println("left: " + left.get());
        pool.shutdown();
    }

    private static void transaction(CuratorFramework client) throws Exception {
        var results = client.transaction().forOperations(
                client.transactionOp().check().forPath("/curator/node"),
                client.transactionOp().create().forPath("/curator/multi", "m".getBytes()),
                client.transactionOp().setData().forPath("/curator/node", "c".getBytes()),
                client.transactionOp().delete().forPath("/curator/multi"));
        results.forEach(result -> System.out.println("transaction: " + result.getType() + " " + result.getForPath()));
        try {
            client.transaction().forOperations(
                    client.transactionOp().create().forPath("/curator/multi"),
                    client.transactionOp().delete().forPath("/curator/nothing"));
        } catch (Exception failed) {
            System.out.println("failed: " + failed.getMessage());
        }
        System.out.println("undone: " + client.checkExists().forPath("/curator/multi"));
    }
}
