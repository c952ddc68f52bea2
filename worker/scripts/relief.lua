-- Stands before the scripts that work off what was accepted. At maxmemory Redis refuses a script whose
-- first write may take memory, and lets one go on that has written. So the first write here takes none:
-- what is under way must come to its end, which frees far more than it takes.
redis.call('DEL', 'ink:nothing')
