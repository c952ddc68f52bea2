-- Goes before the scripts that work off what was accepted. At maxmemory Redis refuses a script whose
-- first write may take memory, but lets a script that has written go on. So the first write, here, takes
-- none: what is under way must come to its end, which frees far more than it takes.
redis.call('DEL', 'ink:nothing')
