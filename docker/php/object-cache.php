<?php
/**
 * A persistent object cache in Redis, as large sites have one: WordPress's own functions over one class.
 *
 * docker/learnomy_site fills in what stands between braces. Keys carry a version that a flush raises,
 * so that nothing else in the same Redis is touched.
 */

// phpcs:disable -- a drop-in of the test sites, not of the plugin.

class WP_Object_Cache {

	private $redis;
	private $local      = array();
	private $global     = array();
	private $runtime    = array();
	private $versions   = array();
	private $blog       = '';
	private $multisite  = false;
	public $cache_hits   = 0;
	public $cache_misses = 0;

	public function __construct() {
		$this->multisite = is_multisite();
		$this->blog      = $this->multisite ? get_current_blog_id() . ':' : '';
		$this->redis     = new Redis();
		$this->redis->connect( '{{socket}}' );
		$this->redis->select( (int) '{{database}}' );
		$this->versions = $this->redis->hGetAll( '{{prefix}}:cache:versions' );
	}

	private function id( $key, $group ) {
		$group = $group ?: 'default';
		$blog  = isset( $this->global[ $group ] ) ? '' : $this->blog;
		return '{{prefix}}:cache:' . ( $this->versions['*'] ?? 0 ) . ':' . ( $this->versions[ $group ] ?? 0 ) . ":$blog$group:$key";
	}

	private function persists( $group ) {
		return ! isset( $this->runtime[ $group ?: 'default' ] );
	}

	private static function copy( $value ) {
		return is_object( $value ) ? clone $value : $value;
	}

	public function get( $key, $group = '', $force = false, &$found = null ) {
		$id = $this->id( $key, $group );
		if ( array_key_exists( $id, $this->local ) && ( ! $force || ! $this->persists( $group ) ) ) {
			$found = true;
			++$this->cache_hits;
			return self::copy( $this->local[ $id ] );
		}
		$stored = $this->persists( $group ) ? $this->redis->get( $id ) : false;
		if ( false === $stored ) {
			$found = false;
			++$this->cache_misses;
			return false;
		}
		$found = true;
		++$this->cache_hits;
		$this->local[ $id ] = unserialize( $stored );
		return self::copy( $this->local[ $id ] );
	}

	public function get_multiple( $keys, $group = '', $force = false ) {
		$values = array();
		foreach ( $keys as $key ) {
			$values[ $key ] = $this->get( $key, $group, $force );
		}
		return $values;
	}

	public function set( $key, $value, $group = '', $expire = 0 ) {
		$id                 = $this->id( $key, $group );
		$this->local[ $id ] = self::copy( $value );
		if ( $this->persists( $group ) ) {
			$this->redis->set( $id, serialize( $value ), $expire > 0 ? array( 'ex' => (int) $expire ) : array() );
		}
		return true;
	}

	public function add( $key, $value, $group = '', $expire = 0 ) {
		if ( wp_suspend_cache_addition() ) {
			return false;
		}
		$id = $this->id( $key, $group );
		if ( array_key_exists( $id, $this->local ) ) {
			return false;
		}
		if ( $this->persists( $group ) ) {
			$options = $expire > 0 ? array( 'nx', 'ex' => (int) $expire ) : array( 'nx' );
			if ( ! $this->redis->set( $id, serialize( $value ), $options ) ) {
				return false;
			}
		}
		$this->local[ $id ] = self::copy( $value );
		return true;
	}

	public function replace( $key, $value, $group = '', $expire = 0 ) {
		$this->get( $key, $group, false, $found );
		return $found && $this->set( $key, $value, $group, $expire );
	}

	public function delete( $key, $group = '' ) {
		$id      = $this->id( $key, $group );
		$existed = array_key_exists( $id, $this->local );
		unset( $this->local[ $id ] );
		return ( $this->persists( $group ) && $this->redis->del( $id ) > 0 ) || $existed;
	}

	public function incr( $key, $offset, $group ) {
		$value = $this->get( $key, $group, true, $found );
		if ( ! $found ) {
			return false;
		}
		$value = max( 0, ( is_numeric( $value ) ? (int) $value : 0 ) + (int) $offset );
		$this->set( $key, $value, $group );
		return $value;
	}

	public function flush() {
		$this->local         = array();
		$this->versions['*'] = $this->redis->hIncrBy( '{{prefix}}:cache:versions', '*', 1 );
		return true;
	}

	public function flush_group( $group ) {
		$this->versions[ $group ] = $this->redis->hIncrBy( '{{prefix}}:cache:versions', $group, 1 );
		return true;
	}

	public function flush_runtime() {
		$this->local = array();
		return true;
	}

	public function add_global_groups( $groups ) {
		$this->global += array_fill_keys( (array) $groups, true );
	}

	public function add_non_persistent_groups( $groups ) {
		$this->runtime += array_fill_keys( (array) $groups, true );
	}

	public function switch_to_blog( $blog ) {
		$this->blog = $this->multisite ? (int) $blog . ':' : '';
	}

	public function stats() {}
}

function wp_cache_init() {
	$GLOBALS['wp_object_cache'] = new WP_Object_Cache();
}

function wp_cache_get( $key, $group = '', $force = false, &$found = null ) {
	return $GLOBALS['wp_object_cache']->get( $key, $group, $force, $found );
}

function wp_cache_get_multiple( $keys, $group = '', $force = false ) {
	return $GLOBALS['wp_object_cache']->get_multiple( $keys, $group, $force );
}

function wp_cache_set( $key, $data, $group = '', $expire = 0 ) {
	return $GLOBALS['wp_object_cache']->set( $key, $data, $group, (int) $expire );
}

function wp_cache_set_multiple( array $data, $group = '', $expire = 0 ) {
	$done = array();
	foreach ( $data as $key => $value ) {
		$done[ $key ] = wp_cache_set( $key, $value, $group, $expire );
	}
	return $done;
}

function wp_cache_add( $key, $data, $group = '', $expire = 0 ) {
	return $GLOBALS['wp_object_cache']->add( $key, $data, $group, (int) $expire );
}

function wp_cache_add_multiple( array $data, $group = '', $expire = 0 ) {
	$done = array();
	foreach ( $data as $key => $value ) {
		$done[ $key ] = wp_cache_add( $key, $value, $group, $expire );
	}
	return $done;
}

function wp_cache_replace( $key, $data, $group = '', $expire = 0 ) {
	return $GLOBALS['wp_object_cache']->replace( $key, $data, $group, (int) $expire );
}

function wp_cache_delete( $key, $group = '' ) {
	return $GLOBALS['wp_object_cache']->delete( $key, $group );
}

function wp_cache_delete_multiple( array $keys, $group = '' ) {
	$done = array();
	foreach ( $keys as $key ) {
		$done[ $key ] = wp_cache_delete( $key, $group );
	}
	return $done;
}

function wp_cache_incr( $key, $offset = 1, $group = '' ) {
	return $GLOBALS['wp_object_cache']->incr( $key, $offset, $group );
}

function wp_cache_decr( $key, $offset = 1, $group = '' ) {
	return $GLOBALS['wp_object_cache']->incr( $key, -$offset, $group );
}

function wp_cache_flush() {
	return $GLOBALS['wp_object_cache']->flush();
}

function wp_cache_flush_runtime() {
	return $GLOBALS['wp_object_cache']->flush_runtime();
}

function wp_cache_flush_group( $group ) {
	return $GLOBALS['wp_object_cache']->flush_group( $group );
}

function wp_cache_supports( $feature ) {
	return in_array( $feature, array( 'add_multiple', 'set_multiple', 'get_multiple', 'delete_multiple', 'flush_runtime', 'flush_group' ), true );
}

function wp_cache_close() {
	return true;
}

function wp_cache_add_global_groups( $groups ) {
	$GLOBALS['wp_object_cache']->add_global_groups( $groups );
}

function wp_cache_add_non_persistent_groups( $groups ) {
	$GLOBALS['wp_object_cache']->add_non_persistent_groups( $groups );
}

function wp_cache_switch_to_blog( $blog_id ) {
	$GLOBALS['wp_object_cache']->switch_to_blog( $blog_id );
}
