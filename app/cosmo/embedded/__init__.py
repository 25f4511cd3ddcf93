"""The whole stack on one machine, as children of one process: no root, no containers, no Java installed.

    with DataFolder(settings.paths.data) as folder:
        preflight.require(settings)
        jars = artifacts.fetch(lock, settings.paths.cache)
        children = [zookeeper.child(settings, folder, jars), kafka.child(settings, folder, jars, ready), ...]
        with Supervisor(folder, children) as supervisor, supervisor.stopped_by_signals():
            if supervisor.start():
                supervisor.watch()

Everything listens on 127.0.0.1 and nothing outlives the process, however it ends. Linux only.
"""
