-- Precedes the scripts that work off what was accepted. At maxmemory Redis refuses a script whose first
-- write may take memory, but lets one that has already written go on. So this first write takes none:
-- work in progress must come to its end, which frees far more memory than it takes.
redis.call('DEL', 'ink:nothing')
