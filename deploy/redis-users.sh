#!/usr/bin/env bash
# Makes users.acl from redis.acl, with a new password for each user, and prints the lines for .env. For compose:
#   deploy/redis-users.sh >> .env
#   docker compose -f docker-compose.yml -f deploy/compose.acl.yml up --build
set -euo pipefail
cd "$(dirname "$0")"
users=$(<redis.acl)
for user in GATEWAY WORKER SENDER BROKER; do
  password=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
  digest=$(printf %s "$password" | sha256sum | cut -d' ' -f1)
  users=${users/"#$user "/"#$digest "}
  echo "INKQUEUE_${user}_PASSWORD=$password"
done
echo INKQUEUE_REDIS_ACL=/etc/redis/users.acl
# It holds only hashes of random passwords, and the container's user must be able to read it.
printf '%s\n' "$users" >users.acl
chmod 644 users.acl
