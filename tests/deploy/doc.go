// Package deploy holds no code, only the test that docker-compose.yml starts what this tree really has.
package deploy
